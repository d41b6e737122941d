"""The shipped models, installed inside the package."""
