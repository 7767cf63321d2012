"""The smallest network that shows a mistake, and a step of it worked by hand."""
