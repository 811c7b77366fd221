"""What the paper shows: its tables and figures."""
