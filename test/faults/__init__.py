"""Whatever a server does wrong, a call ends as one table says it must."""
