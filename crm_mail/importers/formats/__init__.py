"""Formats of documents: one file each turns bytes into the dataclasses of `base`; `readers` knows them all. Pure."""
