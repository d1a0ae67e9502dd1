"""Functions that find the numbers of the README and of docs; see quoted_numbers.py. All return them in page order."""
