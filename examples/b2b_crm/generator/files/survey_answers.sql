select survey_id, response_id, question_id, account_id, answered_on, answer, score, scale_min, scale_max
from survey_answers
where answered_on between getvariable('first') and getvariable('last')
order by answered_on, response_id, question_id
