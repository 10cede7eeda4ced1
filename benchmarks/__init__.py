"""Measurements that are published: each package writes one page of docs."""
