"""The simulators beside measured data: pictures, tables and numbers, one module for each kind.

Each part returns what it measured and writes its pictures; :mod:`.page` puts them on one HTML page.
"""
