"""Message catalogues: collect what the site says, keep the translators' files complete, compile.

`make messages` does it. The site itself only reads the compiled files.
"""
