// In place of Unfold's copy of Chart.js: no page of the panel draws by it.
