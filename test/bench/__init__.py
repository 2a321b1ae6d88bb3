"""What is measured: the client against its floor, and the stand-in. `tox -e bench`, or `cd test && python -m bench`."""
