"""Arithmetic of quality: who is right, what to publish, when to stop paying. No Django."""
