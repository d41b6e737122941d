"""Steps from one version of a desk's tables to the next; none is ever changed once it was released."""
