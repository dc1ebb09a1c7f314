"""How Django and the panel's theme write dates: as the site's own pages do."""
