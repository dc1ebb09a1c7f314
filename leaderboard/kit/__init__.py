"""What the starter kit of a competition is made of. `services.kit` puts it together.

The folder `files` holds the scripts of the kit as participants get them.
"""
