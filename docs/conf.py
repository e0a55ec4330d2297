# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - Sphinx reads it by its path
"""Sphinx; the pages are plain reStructuredText and read well without it."""

project = "onespace"
project_copyright = "the onespace authors"
extensions: list[str] = []
exclude_patterns = ["_build"]
html_theme = "alabaster"
