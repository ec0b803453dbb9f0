"""A small app for the tests: every kind of view that Flask has. Served by gunicorn too."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, jsonify
from flask.views import MethodView

from flask_ringwall import Ringwall, current_identity, data, operation, owns, owns_all

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

ringwall = Ringwall()
parcels = Blueprint("parcels", __name__)
OWNERS = {1: "u-1", 2: "u-2"}


@parcels.get("/parcels/<path:place>")
def find(place: str) -> ResponseReturnValue:
    return jsonify(place=place)


class Item(MethodView):
    @operation("getItem")
    def get(self, item_id: int) -> ResponseReturnValue:
        return jsonify(item=item_id)

    def delete(self, item_id: int) -> ResponseReturnValue:
        return jsonify(item=item_id)


def create_app(**config: object) -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(RINGWALL_SERVICE="orders", RINGWALL_NAME="shop")
    app.config.from_mapping(config)

    @app.before_request
    def careless() -> ResponseReturnValue | None:
        """Registered before Ringwall, and still after it."""
        from flask import request

        return jsonify(leaked=True) if request.path == "/careless" else None

    ringwall.init_app(app)

    @app.get("/orders/<int:order_id>")
    @ringwall.operation("getOrder")
    @ringwall.data("pii", "card")
    def get_order(order_id: int) -> ResponseReturnValue:
        if order_id != 3:
            owns(OWNERS.get(order_id))
        return jsonify(id=order_id, caller=current_identity.subject)

    @app.get("/orders")
    def list_orders() -> ResponseReturnValue:
        owners = [owner for owner in OWNERS.values() if owner == current_identity.subject]
        owns_all(owners)
        return jsonify(owners)

    @app.get("/swallow")
    def swallow() -> ResponseReturnValue:
        with suppress(Exception):
            owns("u-2")
        owns("u-1")
        return "secret", {"Ringwall-Owner": "checked"}

    @app.get("/async")
    async def asynchronous() -> ResponseReturnValue:
        owns("u-1")
        return jsonify(caller=current_identity.subject)

    @app.get("/claims")
    @data("pii")
    def claims() -> ResponseReturnValue:
        return "x", {"Ringwall-Owner": "checked"}

    @app.get("/call")
    def call() -> ResponseReturnValue:
        answer = ringwall.session("other-one").get("/x", params={"a": "ä"})
        return jsonify(answer.json())

    app.register_blueprint(parcels)
    app.add_url_rule("/items/<int:item_id>", view_func=Item.as_view("item"))
    return app
