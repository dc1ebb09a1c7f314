// In place of Unfold's copy of the sorting of Alpine.js: no rows of the panel are put in order by hand.
