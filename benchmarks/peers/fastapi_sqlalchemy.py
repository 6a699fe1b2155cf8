"""The catalogue from the service's own SQLite table, as FastAPI's tutorial on SQL databases does it.

A session for each request from a dependency, `def` routes, which FastAPI runs in its threads, and a response model.
DATABASE is the path of the database.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, status
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Numeric, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(f"sqlite:///{os.environ['DATABASE']}", connect_args={"check_same_thread": False})
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "products_product"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    name: Mapped[str]
    version: Mapped[str]
    price: Mapped[float | None] = mapped_column(Numeric(10, 2, asdecimal=False))


class ProductOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    type: str
    name: str
    version: str
    price: float | None


def session() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


@app.get("/products", response_model=list[ProductOut])
def products(session: Annotated[Session, Depends(session)]) -> Sequence[Product]:
    return session.scalars(select(Product).order_by(Product.id).limit(100)).all()


@app.get("/products/{id}", response_model=ProductOut)
@app.get("/product/{id}", response_model=ProductOut)
def product(id: str, session: Annotated[Session, Depends(session)]) -> Product:
    found = session.get(Product, id)
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return found
