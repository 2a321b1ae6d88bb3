"""Between the network and the searches: sockets, tokens, fields of requests, faults on order, the page."""
