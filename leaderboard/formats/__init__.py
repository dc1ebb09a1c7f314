"""How dates are written where Django and the panel's theme write them: as on the site's own pages."""
