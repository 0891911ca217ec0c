"""What the user chooses, as text and as one frozen value; the arithmetic of runtimes."""
