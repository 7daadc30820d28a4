"""Reports by mail (GA-3): any listing of the product, or a read-only query, to people of the office at given times."""
