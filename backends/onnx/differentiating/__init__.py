"""The reverse pass: cotangents from the score back to what is wanted."""
