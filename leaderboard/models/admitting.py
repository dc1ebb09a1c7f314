"""Who may take part in a competition: everybody, or those whom its organizers admit."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_domain_name
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

MOST_QUESTIONS = 20
LONGEST_QUESTION = 300


class Admitting(models.Model):
    """A part of a competition."""

    class Admission(models.TextChoices):
        OPEN = "open", _("Everybody")
        APPROVAL = "approval", _("People whom you accept")
        INVITATION = "invitation", _("People whom you invite")
        DOMAIN = "domain", _("People with an address of these domains")

    admission = models.CharField(
        max_length=10,
        choices=Admission,
        default=Admission.OPEN,
        help_text=_(
            "Who may create a team or join one. People who are in a team stay in it. People "
            "whom you invite may always take part."
        ),
    )
    questions = models.TextField(
        blank=True,
        help_text=_(
            "One question on each line, for people who apply. They must answer all of them. "
            "If empty, they apply without answers."
        ),
    )
    mail_domains = models.TextField(
        blank=True,
        help_text=_(
            "One domain on each line, for example example.org. Only confirmed addresses "
            "count. An address of a subdomain does not count."
        ),
    )

    class Meta:
        abstract = True

    @property
    def question_list(self) -> list[str]:
        return lines(self.questions)

    @property
    def domain_list(self) -> list[str]:
        """The mail domains in small letters, each without an @."""
        return [line.lower().removeprefix("@") for line in lines(self.mail_domains)]

    def check_admission(self) -> None:
        """Questions are few and short. Domains are domains, and there is one if they decide."""
        asked = self.question_list
        if len(asked) > MOST_QUESTIONS or any(len(one) > LONGEST_QUESTION for one in asked):
            facts = {"most": MOST_QUESTIONS, "longest": LONGEST_QUESTION}
            said = gettext(
                "Write at most %(most)d questions of at most %(longest)d characters each."
            )
            raise ValidationError({"questions": said % facts})
        for domain in self.domain_list:
            try:
                validate_domain_name(domain)
            except ValidationError as error:
                said = gettext("%(domain)s is not a domain. Write one like example.org.")
                raise ValidationError({"mail_domains": said % {"domain": domain[:80]}}) from error
        if self.admission == self.Admission.DOMAIN and not self.domain_list:
            said = gettext("Write the domains of the people who may take part.")
            raise ValidationError({"mail_domains": said})


def lines(text: str) -> list[str]:
    """The lines of a text that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]
