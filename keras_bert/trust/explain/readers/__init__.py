"""What each task read of a text, and which of its numbers is explained."""
