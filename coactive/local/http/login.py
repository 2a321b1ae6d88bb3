"""The vendor's login: a client that the gate let in gets a token that is good for a time."""

from __future__ import annotations

from typing import Literal

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError
from starlette.formparsers import MultiPartException

from coactive.local.http.credentials import Tokens

LOGIN = "/api/v0/login"


class _Wish(BaseModel):
    """What a login asks for: there is one kind of token."""

    grant_type: Literal["client_credentials"]


class Login:
    """The endpoint that issues `tokens`."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def log_in(self, request: Request) -> Response:
        """Answer with a new token, or with 422 where the body does not ask for one."""
        _check(await _body(request))
        grant = {"access_token": self._tokens.issue(), "token_type": "Bearer", "expires_in": self._tokens.lifetime}
        return JSONResponse(grant, headers={"Cache-Control": "no-store"})


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except MultiPartException as problem:
        raise HTTPException(400, problem.message) from problem


def _check(body: bytes) -> None:
    try:
        _Wish.model_validate_json(body)
    except ValidationError as problem:
        raise RequestValidationError(
            [{**error, "loc": ("body", *error["loc"])} for error in problem.errors()]
        ) from None
