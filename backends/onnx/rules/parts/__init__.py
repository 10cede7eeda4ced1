"""What several families of rules are made of; no rule is in here."""
