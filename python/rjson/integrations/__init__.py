"""Responses that stream JSON, for web frameworks: one module each, imported only on use.

`asgi` and `wsgi` serve every framework; `starlette` (FastAPI too), `aiohttp`, `django` and `flask` speak the language
of theirs. docs/http.md is the manual.
"""
