-- One row per company: where it sits, the language it is written to in, and the services it has of us.
-- What the CRM does not know is empty: one language in twelve, one position in nine.
select
    a.account_id,
    p.city,
    -- Norwegian and Estonian postcodes have one shape each; the others have five digits.
    p.postcode_start
    || lpad(cast(days('postcode', a.account_id, 999) + 1 as varchar), case when a.country = 'NO' then 2 else 3 end,
        '0')[:case when a.country = 'NO' then 2 else 3 end] as postcode,
    case when chance('position known', a.account_id) > 0.11
        then round(p.latitude + 0.15 * (chance('north', a.account_id) - 0.5), 5) end as latitude,
    case when chance('position known', a.account_id) > 0.11
        then round(p.longitude + 0.3 * (chance('east', a.account_id) - 0.5), 5) end as longitude,
    case when chance('language known', a.account_id) > 0.08 then
        case
            when chance('language', a.account_id) < 0.06 then 'en'
            when a.country = 'FI' and chance('language', a.account_id) < 0.16 then 'sv'
            else map {'FI': 'fi', 'SE': 'sv', 'EE': 'et', 'DE': 'de', 'NO': 'nb'}[a.country]
        end
    end as language,
    nullif(concat_ws(', ',
        case when chance('edi', a.account_id) < least(0.08 * a.weight, 0.7) then 'EDI' end,
        case when chance('calibration', a.account_id) < 0.15 then 'Calibration' end,
        case when chance('vending', a.account_id) < least(0.03 * a.weight, 0.4) then 'Vending machine' end
    ), '') as services
from accounts as a
inner join places as p using (country, region)
