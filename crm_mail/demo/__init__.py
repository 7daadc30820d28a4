"""The sample company: what a stranger sees in the first five minutes, done by the real parts of the product."""
