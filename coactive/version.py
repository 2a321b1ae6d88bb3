"""The version of this package, which setup.py reads here too, and how the client names itself to the service."""

import sys

VERSION = "0.1.0"
USER_AGENT = f"coactive-python/{VERSION} Python/{'.'.join(map(str, sys.version_info[:3]))} {sys.platform}"
