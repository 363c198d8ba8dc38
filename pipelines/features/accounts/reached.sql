-- fragment: features.account
-- One row per account with contacts who may be addressed for a purpose by $as_of, and how many through each channel.
-- key: account_id
select k.account_id, "$reached"
from known.contacts as k
inner join core.consents as s on s.contact_id = k.contact_id
where s.granted and s.purpose = "$purpose"
group by k.account_id
