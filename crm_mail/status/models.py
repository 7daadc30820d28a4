"""Signs of life of the processes that send and watch."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm_mail.db import Base, UtcDateTime


class WorkerBeat(Base):
    """One process that sends and watches; on whatever machine."""

    __tablename__ = "worker_beats"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    host: Mapped[str] = mapped_column(String(80))
    pid: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))  # status.beating.Kind
    processes: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # it ended as it was told to
