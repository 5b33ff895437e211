"""Leads every connection of mitmproxy to the local provider, and reads each answer as it passes."""
from mitmproxy import ctx


class Lead:
    def load(self, loader):
        loader.add_option("provider_port", int, 0, "where the provider listens")

    def server_connect(self, data):
        data.server.address = ("127.0.0.1", ctx.options.provider_port)

    def responseheaders(self, flow):
        flow.response.stream = lambda chunk: chunk


addons = [Lead()]
