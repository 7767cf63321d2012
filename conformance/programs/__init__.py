"""Files of a program, found and executed as Python does, and what people call things in them."""
