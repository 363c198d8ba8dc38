-- What a company may be sent, a channel: asked at most once, sometimes withdrawn, now and then given again.
-- Nobody was asked about half of the channels: that is not known, and not a yes.
with asked as (
    select
        a.account_id,
        c.channel,
        a.account_id || c.channel as id,
        a.created_on + days('asked', a.account_id || c.channel, 400) as asked_on,
        chance('yes', a.account_id || c.channel) < c.yes as yes
    from accounts as a
    cross join (values ('email', 0.85, 0.8), ('phone', 0.55, 0.5), ('post', 0.5, 0.75), ('sms', 0.3, 0.4))
        as c(channel, asked, yes)
    where chance('is asked', a.account_id || c.channel) < c.asked
),

changed as (
    select *, unnest([
        {'granted': yes, 'changed_on': asked_on},
        {
            'granted': false,
            'changed_on': case when yes and chance('withdraws', id) < 0.25
                then asked_on + 30 + days('withdrawn', id, 700) end
        },
        {
            'granted': true,
            'changed_on': case when yes and chance('withdraws', id) < 0.08
                then asked_on + 30 + days('withdrawn', id, 700) + 20 + days('given again', id, 300) end
        }
    ]) as change
    from asked
)

select
    account_id,
    channel,
    change.granted as granted,
    change.changed_on as changed_on
from changed
where change.changed_on <= getvariable('through')
