from payouts.gateways.sandbox.transport import API_KEY, SandboxTransport

__all__ = ["API_KEY", "SandboxTransport"]
