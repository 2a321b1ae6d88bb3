"""How results look: HTML for notebooks, without scripts, fonts or pictures from elsewhere, and text for terminals."""
