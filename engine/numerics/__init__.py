"""Arrays in the working precision, which of them share parameters, and fast loops over them."""
