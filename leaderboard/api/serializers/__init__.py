"""The shapes of the API's requests and answers, without rules."""
