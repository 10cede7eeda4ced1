"""What an audit of millions of photos costs, by parts: engines, listings, rows, the report."""
