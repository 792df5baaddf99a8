from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("payouts", "0005_frozen_payouts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="funding",
            name="a_wire_is_entered_once",
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("method", "wire"), models.Q(("state", "failed"), _negated=True)
                ),
                fields=("reference",),
                name="a_wire_is_entered_once",
            ),
        ),
    ]
