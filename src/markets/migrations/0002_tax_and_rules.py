import markets.domain
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('markets', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='market',
            name='home_country',
            field=models.CharField(blank=True, max_length=2),
        ),
        migrations.AddField(
            model_name='market',
            name='rules_version',
            field=models.BigIntegerField(default=markets.domain.new_version, editable=False),
        ),
        migrations.AddField(
            model_name='market',
            name='tax_rounding',
            field=models.CharField(choices=[('line', 'line'), ('total', 'total')], default='line', max_length=5),
        ),
    ]
