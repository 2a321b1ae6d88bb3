"""The version of this package; setup.py and the user agent read it here."""

VERSION = "0.1.0"
