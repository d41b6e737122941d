"""The shipped samples, installed inside the package."""
