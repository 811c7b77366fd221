"""An operator's own nodes."""
