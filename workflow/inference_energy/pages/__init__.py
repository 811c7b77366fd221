"""Pages for readers who have not read the paper: the method in words, and a briefing."""
