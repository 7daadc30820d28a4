"""Sending: committed rows are claimed, handed to their servers and recorded; none is lost, none goes twice."""
