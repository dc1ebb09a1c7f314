"""Fields, constraints and named questions. `leaderboard.services` writes."""

from leaderboard.models.announcement import Announcement
from leaderboard.models.application import Application, Guest
from leaderboard.models.audit import AuditEntry
from leaderboard.models.ban import Ban
from leaderboard.models.baseline import Baseline
from leaderboard.models.competition import Competition
from leaderboard.models.dataset import Dataset, Fingerprints, Split
from leaderboard.models.declaration import Declaration
from leaderboard.models.device import Device
from leaderboard.models.entry import BoardVersion, Entry, NextEntry, Preparation
from leaderboard.models.evaluation import Evaluation
from leaderboard.models.extra import Extra
from leaderboard.models.hardware import Canary, HardwareProfile, QueueShare, Worker
from leaderboard.models.letter import Letter, QuietAddress
from leaderboard.models.matter import Matter
from leaderboard.models.merge import MergeOffer
from leaderboard.models.notice import Happening, Notice
from leaderboard.models.partial_upload import PartialUpload
from leaderboard.models.question import FaqEntry, Question
from leaderboard.models.ranges import LikelyRanks, Ranged, RankRange, TrackRange
from leaderboard.models.reference import ReferenceModel
from leaderboard.models.report import StoredReport
from leaderboard.models.rescore import Moved, Rescore
from leaderboard.models.role import Role
from leaderboard.models.snapshot import SigningKey, Snapshot
from leaderboard.models.submission import Submission
from leaderboard.models.team import FormerName, Invitation, Membership, NamePart, Team
from leaderboard.models.training import Training
from leaderboard.models.trial import Trial
from leaderboard.models.user import ApiToken, Scope, User
from leaderboard.models.verification import RankNote, Verification
from leaderboard.models.webhook import Delivery, Webhook

__all__ = [
    "Announcement",
    "ApiToken",
    "Application",
    "AuditEntry",
    "Ban",
    "Baseline",
    "BoardVersion",
    "Canary",
    "Competition",
    "Dataset",
    "Declaration",
    "Delivery",
    "Device",
    "Entry",
    "Evaluation",
    "Extra",
    "FaqEntry",
    "Fingerprints",
    "FormerName",
    "Guest",
    "Happening",
    "HardwareProfile",
    "Invitation",
    "Letter",
    "LikelyRanks",
    "Matter",
    "Membership",
    "MergeOffer",
    "Moved",
    "NamePart",
    "NextEntry",
    "Notice",
    "PartialUpload",
    "Preparation",
    "Question",
    "QueueShare",
    "QuietAddress",
    "Ranged",
    "RankNote",
    "RankRange",
    "ReferenceModel",
    "Rescore",
    "Role",
    "Scope",
    "SigningKey",
    "Snapshot",
    "Split",
    "StoredReport",
    "Submission",
    "Team",
    "TrackRange",
    "Training",
    "Trial",
    "User",
    "Verification",
    "Webhook",
    "Worker",
]
