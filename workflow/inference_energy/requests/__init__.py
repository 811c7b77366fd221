"""An operator's request log: what it holds, and its energy."""
