"""The only place that writes; owns transactions and rules. Doors parse, call one, and show."""
