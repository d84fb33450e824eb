"""The OpenAPI document: who may use each route, how one says who one is, and what a refusal looks like."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from desk.api.guard import Viewer, api_routes, needs_of
from desk.problems import PROBLEM_JSON, Problem

PATH = "/api/openapi.json"
_METHODS = {"get", "post", "put", "patch", "delete"}


def add_document(app: FastAPI) -> None:
    """Serve the app's document to who is logged in."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def document(_: Viewer) -> JSONResponse:
        """Return the document."""
        return JSONResponse(app.openapi())

    app.include_router(router)
    app.openapi = lambda: app.openapi_schema or _made(app)  # type: ignore[method-assign]


def _made(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    own = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas.update(own.pop("$defs", {}))
    schemas["Problem"] = own
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token: nija desk tokens add"},
        "session": {"type": "apiKey", "in": "cookie", "name": "nija_desk", "description": "A browser's session"},
    }
    refusal = {
        "description": "Refused, with the reason.",
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    needs = {
        (route.path, method.lower()): needs_of(route) for route in api_routes(app) for method in route.methods or ()
    }
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if method not in _METHODS:
                continue
            operation["responses"].pop("422", None)
            operation["responses"]["4XX"] = refusal
            needed = needs.get((path, method))
            if needed is not None:
                has_permit = needed.permit is not None
                operation["security"] = [{"session": []}, *([{"token": []}] if has_permit else [])]
                permit = f"; a token needs the permit `{needed.permit}`" if has_permit else "; no token may"
                words = f"Role: {needed.role.value}{permit}."
                operation["description"] = f"{operation.get('description', '')}\n\n{words}".strip()
    app.openapi_schema = document
    return document
