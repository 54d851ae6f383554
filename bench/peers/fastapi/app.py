"""The same shop in the classic form: FastAPI, SQLAlchemy and SQLite in one process. README.md says what is fair."""

import json
import os
import time
import uuid
from datetime import datetime, timezone

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, Field
from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, create_engine, event
from sqlalchemy.orm import Session, declarative_base, sessionmaker

SECRET = os.environ["TOKEN_SECRET"]
engine = create_engine(f"sqlite:///{os.environ['DATABASE']}", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(engine, autoflush=False, expire_on_commit=False)
Base = declarative_base()


@event.listens_for(engine, "connect")
def use_wal(connection, _record):
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


class User(Base):
    __tablename__ = "users"
    id = Column(String, primary_key=True)
    version = Column(Integer, nullable=False)
    name = Column(String, nullable=False)
    email = Column(String, nullable=False, unique=True)
    role = Column(String, nullable=False)
    is_active = Column(Boolean, nullable=False)
    token_generation = Column(Integer, nullable=False)
    created_at = Column(String, nullable=False)


class Item(Base):
    __tablename__ = "items"
    id = Column(String, primary_key=True)
    version = Column(Integer, nullable=False)
    owner_id = Column(String, ForeignKey("users.id"), nullable=False, index=True)
    title = Column(String, nullable=False)
    amount = Column(Integer, nullable=False)
    currency = Column(String, nullable=False)
    stock = Column(Integer)
    is_active = Column(Boolean, nullable=False)
    created_at = Column(String, nullable=False)
    updated_at = Column(String, nullable=False)


class Outbox(Base):
    __tablename__ = "outbox"
    position = Column(Integer, primary_key=True, autoincrement=True)
    id = Column(String, nullable=False, unique=True)
    stream_id = Column(String, nullable=False)
    type = Column(String, nullable=False)
    data = Column(String, nullable=False)
    occurred_at = Column(String, nullable=False)


class Price(BaseModel):
    amount: int = Field(ge=0)
    currency: str = Field(min_length=3, max_length=3)


class CreateItem(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    price: Price
    stock: int | None = Field(default=None, ge=0)


class UpdateItem(BaseModel):
    title: str = Field(min_length=1, max_length=200)


class CommandResult(BaseModel):
    id: str
    version: int


class ItemDetail(BaseModel):
    id: str
    version: int
    ownerId: str
    title: str
    price: Price
    stock: int | None
    isActive: bool
    createdAt: str
    updatedAt: str


class Account(BaseModel):
    id: str
    version: int
    name: str
    email: str
    role: str
    isActive: bool
    createdAt: str


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def session():
    with SessionLocal() as opened:
        yield opened


def caller(authorization: str = Header(), db: Session = Depends(session)) -> User:
    """Verifies the token, and that its account is active and has the token's generation."""
    try:
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="frontdesk", issuer="https://frontdesk.example")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    user = db.get(User, claims["sub"])
    if user is None or not user.is_active or user.token_generation != claims["gen"] or user.role != claims["role"]:
        raise HTTPException(401)
    return user


def record(db: Session, item: Item, type: str, data: dict) -> None:
    db.add(Outbox(id=str(uuid.uuid4()), stream_id=item.id, type=type, data=json.dumps(data), occurred_at=now()))


app = FastAPI()


@app.get("/v1/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/v1/items/{item_id}", response_model=ItemDetail)
def get_item(item_id: str, response: Response, db: Session = Depends(session)):
    item = db.get(Item, item_id)
    if item is None:
        raise HTTPException(404)
    response.headers["ETag"] = f'"{item.version}"'
    return ItemDetail(
        id=item.id,
        version=item.version,
        ownerId=item.owner_id,
        title=item.title,
        price=Price(amount=item.amount, currency=item.currency),
        stock=item.stock,
        isActive=item.is_active,
        createdAt=item.created_at,
        updatedAt=item.updated_at,
    )


@app.get("/v1/users/{user_id}", response_model=Account)
def get_user(user_id: str, response: Response, user: User = Depends(caller), db: Session = Depends(session)):
    if user.id != user_id and user.role == "customer":
        raise HTTPException(403)
    found = db.get(User, user_id)
    if found is None:
        raise HTTPException(404)
    response.headers["ETag"] = f'"{found.version}"'
    return Account(
        id=found.id,
        version=found.version,
        name=found.name,
        email=found.email,
        role=found.role,
        isActive=found.is_active,
        createdAt=found.created_at,
    )


@app.post("/v1/items", status_code=201, response_model=CommandResult)
def create_item(body: CreateItem, response: Response, user: User = Depends(caller), db: Session = Depends(session)):
    at = now()
    item = Item(
        id=str(uuid.uuid4()),
        version=1,
        owner_id=user.id,
        title=body.title,
        amount=body.price.amount,
        currency=body.price.currency,
        stock=body.stock,
        is_active=True,
        created_at=at,
        updated_at=at,
    )
    db.add(item)
    record(db, item, "ItemCreated", {"ownerId": user.id})
    db.commit()
    response.headers["Location"] = f"/v1/items/{item.id}"
    return CommandResult(id=item.id, version=item.version)


@app.patch("/v1/items/{item_id}", response_model=CommandResult)
def update_item(item_id: str, body: UpdateItem, user: User = Depends(caller), db: Session = Depends(session)):
    item = db.get(Item, item_id)
    if item is None:
        raise HTTPException(404)
    if item.owner_id != user.id:
        raise HTTPException(403)
    item.title = body.title
    item.version += 1
    item.updated_at = now()
    record(db, item, "ItemUpdated", {"ownerId": user.id, "fields": ["title"]})
    db.commit()
    return CommandResult(id=item.id, version=item.version)


@app.post("/v1/users", status_code=201)
def register() -> dict[str, str]:
    """Makes an account and its token. The bench calls it once."""
    with SessionLocal() as db:
        id = str(uuid.uuid4())
        email = f"{id}@example.com"
        db.add(
            User(
                id=id,
                version=1,
                name="Ada",
                email=email,
                role="customer",
                is_active=True,
                token_generation=1,
                created_at=now(),
            )
        )
        db.commit()
    at = int(time.time())
    claims = {
        "iss": "https://frontdesk.example",
        "aud": "frontdesk",
        "sub": id,
        "role": "customer",
        "gen": 1,
        "iat": at,
        "exp": at + 900,
        "jti": str(uuid.uuid4()),
    }
    return {"id": id, "token": jwt.encode(claims, SECRET, algorithm="HS256")}


Base.metadata.create_all(engine)
