"""The Django site: who competes, what they sent, who leads."""
